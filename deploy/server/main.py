"""What `parcimetre` starts."""

import sys

from parcimetre_server.cli import main

sys.argv[0] = "parcimetre"
sys.exit(main())
