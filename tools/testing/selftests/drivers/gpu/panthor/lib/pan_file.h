/* SPDX-License-Identifier: GPL-2.0 */
/* Small files of procfs, sysfs, debugfs and cgroupfs. Everything here is quiet. */
#ifndef PAN_FILE_H
#define PAN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads at most size - 1 bytes and terminates them. Returns their number or -errno. */
int pan_read_file(const char *path, char *buf, size_t size);

/* Writes @text with one write(). Returns 0 or -errno. */
int pan_write_file(const char *path, const char *text);

/* Reads and writes one number; reading takes decimal and 0x. */
int pan_read_u64(const char *path, uint64_t *value);
int pan_write_u64(const char *path, uint64_t value);

/* Finds the number after @key (and blanks) at the start of a line. */
int pan_read_key(const char *path, const char *key, uint64_t *value);

bool pan_file_exists(const char *path);

#endif /* PAN_FILE_H */
