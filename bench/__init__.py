# SPDX-License-Identifier: BSD-2-Clause
"""Programs that print the project's bars beside what was measured."""
