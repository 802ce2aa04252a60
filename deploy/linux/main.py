"""What `parcimetre-agent` starts."""

import sys

from parcimetre_agent.cli import main

sys.exit(main())
