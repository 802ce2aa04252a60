"""Whether the console's display is lit, as Windows announces it. Not who sits there, nor what is shown.

Windows calls back at the registration and when the state changes; services receive it as programs do.
"""

from __future__ import annotations

from ...base.outcome import NoData, Ok, Outcome
from ...windows.display_state import DisplayState

_state = DisplayState()


def read(state: DisplayState = _state) -> Outcome[dict[str, float]]:
    """1 when lit or dimmed, 0 when off."""
    try:
        lit = state.lit()
    except OSError as error:
        return NoData(f"Windows does not announce its display: {error.strerror}")
    return (
        NoData("Windows has not announced its display yet") if lit is None else Ok({"display_on": float(lit)})
    )
