// SPDX-License-Identifier: GPL-2.0
/*
 * Refuses a call of iommu_attach_group(), so that a group does not join a
 * domain that another one has.
 *
 * A container has a second domain if its groups are behind IOMMUs that cannot
 * share page tables. QEMU has one VT-d, which always can; but both drivers
 * take a refusal for the same.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/printk.h>

/* Only one program attaches groups, so nothing else is needed to count. */
static int second_refuse;
module_param_named(refuse, second_refuse, int, 0600);
MODULE_PARM_DESC(refuse, "call of iommu_attach_group() to refuse, 1: the next one; 0 once that is done");

/* Stands in for the call that is refused: has its arguments and caller. */
static int second_refusal(void)
{
	return -EINVAL;
}

static int __kprobes second_before(struct kprobe *probe, struct pt_regs *regs)
{
	if (!second_refuse || --second_refuse)
		return 0;

	instruction_pointer_set(regs, (unsigned long)second_refusal);
	return 1;
}

/*
 * Only a probe that has this may change the instruction pointer: it is neither
 * turned into a jump nor into a mere observer among ftrace's.
 */
static void second_after(struct kprobe *probe, struct pt_regs *regs,
			 unsigned long flags)
{
}

static struct kprobe second_probe = {
	.symbol_name = "iommu_attach_group",
	.pre_handler = second_before,
	.post_handler = second_after,
};

static int __init second_init(void)
{
	int ret = register_kprobe(&second_probe);

	if (ret)
		pr_err("no probe at %s: %d\n", second_probe.symbol_name, ret);
	return ret;
}
module_init(second_init);

static void __exit second_exit(void)
{
	unregister_kprobe(&second_probe);
}
module_exit(second_exit);

MODULE_DESCRIPTION("Refuses to attach IOMMU groups, for tests");
MODULE_LICENSE("GPL");
