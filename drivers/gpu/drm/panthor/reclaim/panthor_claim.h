/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_CLAIM_H__
#define __PANTHOR_CLAIM_H__

struct panthor_target;

int panthor_claim(struct panthor_target *target, unsigned long max_pages,
		  bool best_effort);

#endif
