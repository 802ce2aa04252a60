"""Keys below HKEY_LOCAL_MACHINE, as the 64-bit registry shows them to everybody."""

from __future__ import annotations

import sys
from typing import Any

SETTINGS_KEY = r"SOFTWARE\Parcimetre\Agent"
"""What the installer wrote."""
POLICY_KEY = r"SOFTWARE\Policies\Parcimetre\Agent"
"""What a group policy or Intune says."""

if sys.platform == "win32":
    import winreg

    _ACCESS = winreg.KEY_READ | winreg.KEY_WOW64_64KEY

    class Registry:
        """This machine's registry; an absent or closed key has nothing in it."""

        def values(self, path: str) -> dict[str, Any]:
            """Values of a key by name."""
            try:
                with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, _ACCESS) as key:
                    count = winreg.QueryInfoKey(key)[1]
                    return {
                        name: value for name, value, _ in (winreg.EnumValue(key, i) for i in range(count))
                    }
            except OSError:
                return {}

        def keys(self, path: str) -> list[str]:
            """Names of the keys below a key."""
            try:
                with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, _ACCESS) as key:
                    return [winreg.EnumKey(key, i) for i in range(winreg.QueryInfoKey(key)[0])]
            except OSError:
                return []

else:

    class Registry:
        """There is none on this system."""

        def values(self, path: str) -> dict[str, Any]:  # noqa: ARG002
            """Nothing."""
            return {}

        def keys(self, path: str) -> list[str]:  # noqa: ARG002
            """Nothing."""
            return []
