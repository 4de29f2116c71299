import sys

import humanize

print("hello from both:", humanize.intcomma(1234567), f"python {sys.version_info.major}")
