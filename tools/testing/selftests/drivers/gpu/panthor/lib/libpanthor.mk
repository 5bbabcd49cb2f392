# SPDX-License-Identifier: GPL-2.0
LIBPANTHOR_C := $(wildcard lib/*.c)
LIBPANTHOR_H := $(wildcard lib/*.h *.h)
LIBPANTHOR_O := $(patsubst %.c,$(OUTPUT)/%.o,$(LIBPANTHOR_C))

LOCAL_HDRS += $(LIBPANTHOR_H)

$(LIBPANTHOR_O): $(OUTPUT)/lib/%.o: lib/%.c $(LIBPANTHOR_H)
	$(call msg,CC,,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(TARGET_ARCH) -c $< -o $@

EXTRA_CLEAN += $(LIBPANTHOR_O)

# Tests look for it beside them.
MEMCTL := $(wildcard $(top_srcdir)/tools/gpu/panthor-memctl/panthor-memctl.c)
ifneq ($(MEMCTL),)
all: $(OUTPUT)/panthor-memctl

$(OUTPUT)/panthor-memctl: $(MEMCTL)
	$(call msg,CC,,$@)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(TARGET_ARCH) $< -o $@ $(LDLIBS)

EXTRA_CLEAN += $(OUTPUT)/panthor-memctl
endif
