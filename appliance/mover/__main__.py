"""`python -m appliance.mover`: started by the engine, never by people."""

import sys

from appliance.mover.main import main

sys.exit(main())
