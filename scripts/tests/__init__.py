# SPDX-License-Identifier: GPL-2.0
"""Tests of the scripts: python3 -m unittest discover -s scripts/tests -t scripts"""
