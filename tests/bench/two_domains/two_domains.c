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
static int two_domains_refuse;
module_param_named(refuse, two_domains_refuse, int, 0600);
MODULE_PARM_DESC(refuse, "call of iommu_attach_group() to refuse, 1: the next one; 0 once that is done");

/* Stands in for the call that is refused: has its arguments and caller. */
static int two_domains_refusal(void)
{
	return -EINVAL;
}

static int __kprobes two_domains_before(struct kprobe *probe, struct pt_regs *regs)
{
	if (!two_domains_refuse || --two_domains_refuse)
		return 0;

	instruction_pointer_set(regs, (unsigned long)two_domains_refusal);
	return 1;
}

/*
 * Only a probe that has this may change the instruction pointer: it is neither
 * turned into a jump nor into a mere observer among ftrace's.
 */
static void two_domains_after(struct kprobe *probe, struct pt_regs *regs,
			      unsigned long flags)
{
}

static struct kprobe two_domains_probe = {
	.symbol_name = "iommu_attach_group",
	.pre_handler = two_domains_before,
	.post_handler = two_domains_after,
};

static int __init two_domains_init(void)
{
	int ret = register_kprobe(&two_domains_probe);

	if (ret)
		pr_err("no probe at %s: %d\n", two_domains_probe.symbol_name, ret);
	return ret;
}
module_init(two_domains_init);

static void __exit two_domains_exit(void)
{
	unregister_kprobe(&two_domains_probe);
}
module_exit(two_domains_exit);

MODULE_DESCRIPTION("Refuses to attach IOMMU groups, for tests");
MODULE_LICENSE("GPL");
