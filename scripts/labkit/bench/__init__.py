# SPDX-License-Identifier: GPL-2.0
"""`make bench`: mainline against the series."""
