// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: its firmware image.
 *
 * The image makes the driver map a code section, which nobody executes, and
 * the interface memory. When the model is built in, the image is part of the
 * kernel's built-in firmware, under the name the driver asks for. When it is a
 * module, the image has to be in a file with that name: the build leaves it in
 * mali_csffw.bin beside the objects, and debugfs has it as "firmware".
 */

#include <asm/byteorder.h>
#include <linux/stddef.h>

#include "pmodel_internal.h"

#define FW_NAME			"arm/mali/arch10.8/mali_csffw.bin"
#define FW_MAGIC		0xc3f13a6e

#define ENTRY_INTERFACE		0
#define ENTRY_BUILD_INFO	6
#define ENTRY(type, object)	cpu_to_le32((type) | sizeof(object) << 8)

#define SECTION_READ		BIT(0)
#define SECTION_WRITE		BIT(1)
#define SECTION_EXECUTE		BIT(2)
#define SECTION_CACHED_COHERENT	(3u << 3)
#define SECTION_SHARED		BIT(30)
#define SECTION_ZERO		BIT(31)

#define BUILD_INFO		"git_sha: panthor-model"
#define CODE			"The panthor model needs no code."

struct pmodel_fw_header {
	__le32 magic;
	u8 minor;
	u8 major;
	__le16 zero;
	__le32 hash;
	__le32 zero2;
	__le32 size;
} __packed;

struct pmodel_fw_section {
	__le32 entry;
	__le32 flags;
	__le32 va_start;
	__le32 va_end;
	__le32 data_start;
	__le32 data_end;
	char name[8];
} __packed;

struct pmodel_fw_build_info {
	__le32 entry;
	__le32 start;
	__le32 size;
} __packed;

struct pmodel_fw_image {
	struct pmodel_fw_header header;
	struct pmodel_fw_section code;
	struct pmodel_fw_section shared;
	struct pmodel_fw_build_info info;
	/* Data, behind what the header counts. */
	char code_data[sizeof(CODE)];
	char info_data[sizeof(BUILD_INFO)];
} __packed;

#define OFFSET(field)	cpu_to_le32(offsetof(struct pmodel_fw_image, field))
#define END(field)	cpu_to_le32(offsetofend(struct pmodel_fw_image, field))

static const struct pmodel_fw_image pmodel_fw
__aligned(8) __section(".rodata.pmodel_fw") = {
	.header = {
		.magic = cpu_to_le32(FW_MAGIC),
		.size = END(info),
	},
	.code = {
		.entry = ENTRY(ENTRY_INTERFACE, struct pmodel_fw_section),
		.flags = cpu_to_le32(SECTION_READ | SECTION_EXECUTE),
		.va_start = cpu_to_le32(0),
		.va_end = cpu_to_le32(SZ_4K),
		.data_start = OFFSET(code_data),
		.data_end = END(code_data),
		.name = "code",
	},
	.shared = {
		.entry = ENTRY(ENTRY_INTERFACE, struct pmodel_fw_section),
		.flags = cpu_to_le32(SECTION_READ | SECTION_WRITE | SECTION_CACHED_COHERENT |
				     SECTION_SHARED | SECTION_ZERO),
		.va_start = cpu_to_le32(PMODEL_SHARED_VA),
		.va_end = cpu_to_le32(PMODEL_SHARED_VA + PMODEL_SHARED_SIZE),
		.name = "shared",
	},
	.info = {
		.entry = ENTRY(ENTRY_BUILD_INFO, struct pmodel_fw_build_info),
		.start = OFFSET(info_data),
		.size = cpu_to_le32(sizeof(BUILD_INFO)),
	},
	.code_data = CODE,
	.info_data = BUILD_INFO,
};

#ifndef MODULE
/* What the firmware loader expects to find in its section. */
static const struct {
	const char *name;
	const void *data;
	unsigned long size;
} pmodel_builtin_fw __used __section(".builtin_fw") = {
	.name = FW_NAME,
	.data = &pmodel_fw,
	.size = sizeof(pmodel_fw),
};
#endif

/**
 * pmodel_fw_image() - The firmware image
 * @size: Set to its size in bytes.
 *
 * Context: Any.
 * Return: The image.
 */
const void *pmodel_fw_image(size_t *size)
{
	*size = sizeof(pmodel_fw);
	return &pmodel_fw;
}
