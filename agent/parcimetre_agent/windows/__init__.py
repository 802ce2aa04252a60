"""What Windows is asked, and what its answers are in bytes: calls on one side, pure parsers on the other.

Calls are small classes or functions that sensors take as an argument; parsers take the bytes of one
documented structure. So every sensor of Windows is tested on any system, with constructed answers. Standard
library only: no WMI, no COM, no child process, no handle that needs an administrator.
"""
