"""`python -m stages VERB …` is `r1 VERB …`."""

import sys

from stages.project import main

if __name__ == "__main__":
    sys.exit(main())
