/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, group type1x.
 *
 * One for a request to map, unmap or register and its end, one for each run that is
 * mapped, for each charge and sync, for each slow path and for a refusal; none for a
 * page.  Arguments must be cheap to get at: they are evaluated before it is known
 * whether the event is enabled.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM type1x

#if !defined(_T1X_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _T1X_TRACE_H

#include <linux/module.h>
#include <linux/tracepoint.h>
#include <linux/types.h>

DECLARE_EVENT_CLASS(t1x_container_class,
	TP_PROTO(unsigned long container, bool v2, bool registered),
	TP_ARGS(container, v2, registered),
	TP_STRUCT__entry(
		__field(unsigned long, container)
		__field(bool, v2)
		__field(bool, registered)
		__dynamic_array(char, version, strlen(THIS_MODULE->version) + 1)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->v2 = v2;
		__entry->registered = registered;
		memcpy(__get_dynamic_array(version), THIS_MODULE->version,
		       __get_dynamic_array_len(version));
	),
	TP_printk("container=%lu v2=%d registered=%d version=%s",
		  __entry->container, __entry->v2, __entry->registered,
		  __get_str(version))
);

DEFINE_EVENT(t1x_container_class, t1x_container_open,
	TP_PROTO(unsigned long container, bool v2, bool registered),
	TP_ARGS(container, v2, registered));

DEFINE_EVENT(t1x_container_class, t1x_container_release,
	TP_PROTO(unsigned long container, bool v2, bool registered),
	TP_ARGS(container, v2, registered));

/* Domain 0: a mediated device, or a failure; joined: with another group. */
DECLARE_EVENT_CLASS(t1x_group_class,
	TP_PROTO(unsigned long container, int group, unsigned long domain,
		 bool joined, int ret),
	TP_ARGS(container, group, domain, joined, ret),
	TP_STRUCT__entry(
		__field(unsigned long, container)
		__field(int, group)
		__field(unsigned long, domain)
		__field(bool, joined)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->group = group;
		__entry->domain = domain;
		__entry->joined = joined;
		__entry->ret = ret;
	),
	TP_printk("container=%lu group=%d domain=%lu joined=%d ret=%d",
		  __entry->container, __entry->group, __entry->domain,
		  __entry->joined, __entry->ret)
);

DEFINE_EVENT(t1x_group_class, t1x_attach,
	TP_PROTO(unsigned long container, int group, unsigned long domain,
		 bool joined, int ret),
	TP_ARGS(container, group, domain, joined, ret));

DEFINE_EVENT(t1x_group_class, t1x_detach,
	TP_PROTO(unsigned long container, int group, unsigned long domain,
		 bool joined, int ret),
	TP_ARGS(container, group, domain, joined, ret));

TRACE_EVENT(t1x_map_begin,
	TP_PROTO(unsigned long container, u64 iova, u64 last,
		 unsigned long vaddr, unsigned int prot),
	TP_ARGS(container, iova, last, vaddr, prot),
	TP_STRUCT__entry(
		__field(unsigned long, container)
		__field(u64, iova)
		__field(u64, last)
		__field(unsigned long, vaddr)
		__field(unsigned int, prot)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->iova = iova;
		__entry->last = last;
		__entry->vaddr = vaddr;
		__entry->prot = prot;
	),
	TP_printk("container=%lu iova=%#llx last=%#llx vaddr=%#lx prot=%#x",
		  __entry->container, __entry->iova, __entry->last,
		  __entry->vaddr, __entry->prot)
);

/* Pages and runs are those that are mapped: none after a failure. */
TRACE_EVENT(t1x_map_end,
	TP_PROTO(unsigned long container, u64 iova, u64 last,
		 unsigned long pages, unsigned long runs, int ret),
	TP_ARGS(container, iova, last, pages, runs, ret),
	TP_STRUCT__entry(
		__field(unsigned long, container)
		__field(u64, iova)
		__field(u64, last)
		__field(unsigned long, pages)
		__field(unsigned long, runs)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->iova = iova;
		__entry->last = last;
		__entry->pages = pages;
		__entry->runs = runs;
		__entry->ret = ret;
	),
	TP_printk("container=%lu iova=%#llx last=%#llx pages=%lu runs=%lu ret=%d",
		  __entry->container, __entry->iova, __entry->last,
		  __entry->pages, __entry->runs, __entry->ret)
);

TRACE_EVENT(t1x_map_run,
	TP_PROTO(unsigned long container, u64 iova, unsigned long pfn,
		 unsigned long pages),
	TP_ARGS(container, iova, pfn, pages),
	TP_STRUCT__entry(
		__field(unsigned long, container)
		__field(u64, iova)
		__field(unsigned long, pfn)
		__field(unsigned long, pages)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->iova = iova;
		__entry->pfn = pfn;
		__entry->pages = pages;
	),
	TP_printk("container=%lu iova=%#llx pfn=%#lx pages=%lu",
		  __entry->container, __entry->iova, __entry->pfn,
		  __entry->pages)
);

/* Bytes are those that were unmapped, also where that failed half way. */
TRACE_EVENT(t1x_unmap,
	TP_PROTO(unsigned long container, u64 iova, u64 last, u64 bytes,
		 int ret),
	TP_ARGS(container, iova, last, bytes, ret),
	TP_STRUCT__entry(
		__field(unsigned long, container)
		__field(u64, iova)
		__field(u64, last)
		__field(u64, bytes)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->iova = iova;
		__entry->last = last;
		__entry->bytes = bytes;
		__entry->ret = ret;
	),
	TP_printk("container=%lu iova=%#llx last=%#llx bytes=%#llx ret=%d",
		  __entry->container, __entry->iova, __entry->last,
		  __entry->bytes, __entry->ret)
);

/* The range is what the IOMMU driver gathered: iova above last if it needs none. */
TRACE_EVENT(t1x_sync,
	TP_PROTO(unsigned long domain, u64 iova, u64 last),
	TP_ARGS(domain, iova, last),
	TP_STRUCT__entry(
		__field(unsigned long, domain)
		__field(u64, iova)
		__field(u64, last)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->iova = iova;
		__entry->last = last;
	),
	TP_printk("domain=%lu iova=%#llx last=%#llx", __entry->domain,
		  __entry->iova, __entry->last)
);

/* The process that pays, which need not be the one that runs. */
DECLARE_EVENT_CLASS(t1x_account_class,
	TP_PROTO(pid_t payer, unsigned long pages, int ret),
	TP_ARGS(payer, pages, ret),
	TP_STRUCT__entry(
		__field(pid_t, payer)
		__field(unsigned long, pages)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->payer = payer;
		__entry->pages = pages;
		__entry->ret = ret;
	),
	TP_printk("payer=%d pages=%lu ret=%d", __entry->payer, __entry->pages,
		  __entry->ret)
);

DEFINE_EVENT(t1x_account_class, t1x_charge,
	TP_PROTO(pid_t payer, unsigned long pages, int ret),
	TP_ARGS(payer, pages, ret));

DEFINE_EVENT(t1x_account_class, t1x_refund,
	TP_PROTO(pid_t payer, unsigned long pages, int ret),
	TP_ARGS(payer, pages, ret));

DECLARE_EVENT_CLASS(t1x_memory_class,
	TP_PROTO(unsigned long container, unsigned long vaddr,
		 unsigned long last, int ret),
	TP_ARGS(container, vaddr, last, ret),
	TP_STRUCT__entry(
		__field(unsigned long, container)
		__field(unsigned long, vaddr)
		__field(unsigned long, last)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->vaddr = vaddr;
		__entry->last = last;
		__entry->ret = ret;
	),
	TP_printk("container=%lu vaddr=%#lx last=%#lx ret=%d",
		  __entry->container, __entry->vaddr, __entry->last,
		  __entry->ret)
);

DEFINE_EVENT(t1x_memory_class, t1x_register,
	TP_PROTO(unsigned long container, unsigned long vaddr,
		 unsigned long last, int ret),
	TP_ARGS(container, vaddr, last, ret));

DEFINE_EVENT(t1x_memory_class, t1x_unregister,
	TP_PROTO(unsigned long container, unsigned long vaddr,
		 unsigned long last, int ret),
	TP_ARGS(container, vaddr, last, ret));

/* A mapping of which not all runs are remembered, for want of memory. */
TRACE_EVENT(t1x_slow_untracked,
	TP_PROTO(unsigned long container, u64 iova, u64 last),
	TP_ARGS(container, iova, last),
	TP_STRUCT__entry(
		__field(unsigned long, container)
		__field(u64, iova)
		__field(u64, last)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->iova = iova;
		__entry->last = last;
	),
	TP_printk("container=%lu iova=%#llx last=%#llx", __entry->container,
		  __entry->iova, __entry->last)
);

/* Memory that is cold, or not the caller's, or MMIO: mmap_lock is taken for it. */
TRACE_EVENT(t1x_slow_gup,
	TP_PROTO(unsigned long vaddr, unsigned long pages, long ret),
	TP_ARGS(vaddr, pages, ret),
	TP_STRUCT__entry(
		__field(unsigned long, vaddr)
		__field(unsigned long, pages)
		__field(long, ret)
	),
	TP_fast_assign(
		__entry->vaddr = vaddr;
		__entry->pages = pages;
		__entry->ret = ret;
	),
	TP_printk("vaddr=%#lx pages=%lu ret=%ld", __entry->vaddr,
		  __entry->pages, __entry->ret)
);

/*
 * The page table of an IOMMU is read: for a mapping that is not tracked, or after
 * an unmap that was short.
 */
TRACE_EVENT(t1x_slow_walk,
	TP_PROTO(unsigned long domain, u64 iova, unsigned long pages),
	TP_ARGS(domain, iova, pages),
	TP_STRUCT__entry(
		__field(unsigned long, domain)
		__field(u64, iova)
		__field(unsigned long, pages)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->iova = iova;
		__entry->pages = pages;
	),
	TP_printk("domain=%lu iova=%#llx pages=%lu", __entry->domain,
		  __entry->iova, __entry->pages)
);

TRACE_EVENT(t1x_refused,
	TP_PROTO(unsigned long container, int ret, const char *why),
	TP_ARGS(container, ret, why),
	TP_STRUCT__entry(
		__field(unsigned long, container)
		__field(int, ret)
		__dynamic_array(char, why, strlen(why) + 1)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->ret = ret;
		memcpy(__get_dynamic_array(why), why,
		       __get_dynamic_array_len(why));
	),
	TP_printk("container=%lu ret=%d why=%s", __entry->container,
		  __entry->ret, __get_str(why))
);

#endif /* _T1X_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
