# SPDX-License-Identifier: GPL-2.0
"""What the scripts of this repository share."""
