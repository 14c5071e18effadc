// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cookies: a late ioctl finds nothing, an early one is waited for.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/vfio.h>

#include "t1x_kunit.h"
#include "uapi.h"

static void cookie_is_never_used_twice(struct kunit *test)
{
	void *a, *b;

	a = t1x_container_open(VFIO_TYPE1_IOMMU);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(a));
	fake_release(a);
	b = t1x_container_open(VFIO_TYPE1v2_IOMMU);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(b));
	KUNIT_EXPECT_PTR_NE(test, a, b);

	KUNIT_EXPECT_NULL(test, t1x_container_get(a));
	KUNIT_EXPECT_EQ(test, t1x_uapi_ioctl(a, VFIO_IOMMU_GET_INFO, 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, t1x_uapi_ioctl(b, VFIO_IOMMU_ENABLE, 0),
			-ENOTTY);
	fake_release(b);
	KUNIT_EXPECT_EQ(test, t1x_uapi_ioctl(b, VFIO_IOMMU_ENABLE, 0),
			-EINVAL);
}

static void open_refuses_other_types(struct kunit *test)
{
	unsigned long type;

	for (type = 0; type < 20; type++) {
		if (type == VFIO_TYPE1_IOMMU || type == VFIO_TYPE1v2_IOMMU)
			continue;
		KUNIT_EXPECT_PTR_EQ(test, t1x_container_open(type),
				    ERR_PTR(-EINVAL));
	}
}

/**
 * struct late_release - a release that another thread does
 * @cookie: the container
 * @done: completed when the release has returned
 */
struct late_release {
	void *cookie;
	struct completion done;
};

static int late_release_thread(void *data)
{
	struct late_release *late = data;

	fake_release(late->cookie);
	complete(&late->done);
	return 0;
}

static void release_waits_for_users(struct kunit *test)
{
	struct late_release late;
	struct task_struct *thread;
	struct t1x_container *c;

	init_completion(&late.done);
	late.cookie = t1x_container_open(VFIO_TYPE1_IOMMU);
	c = t1x_container_get(late.cookie);
	KUNIT_ASSERT_NOT_NULL(test, c);
	thread = kthread_run(late_release_thread, &late, "t1x_release");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	while (!READ_ONCE(c->dying))
		cond_resched();

	/* Under way: it cannot be found any more, and this reference keeps it whole. */
	KUNIT_EXPECT_NULL(test, t1x_container_get(late.cookie));
	msleep(50);
	KUNIT_EXPECT_FALSE(test, completion_done(&late.done));
	KUNIT_EXPECT_EQ(test, mutex_trylock(&c->lock), 1);
	mutex_unlock(&c->lock);
	t1x_container_put(c);
	wait_for_completion(&late.done);
}

/* A lookup that release was too late to prevent. */
static void no_reference_once_release_has_begun(struct kunit *test)
{
	void *cookie = t1x_container_open(VFIO_TYPE1v2_IOMMU);
	struct t1x_container *c;

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(cookie));
	c = t1x_container_get(cookie);
	KUNIT_ASSERT_NOT_NULL(test, c);
	WRITE_ONCE(c->dying, true);
	KUNIT_EXPECT_NULL(test, t1x_container_get(cookie));
	WRITE_ONCE(c->dying, false);
	t1x_container_put(c);
	/* Waits for what that lookup would have left. */
	fake_release(cookie);
}

#define MANY	200

/* The container with the number of its cookie, or none: also where many share a slot. */
static void expect_found(struct kunit *test, void *cookie, bool open)
{
	struct t1x_container *c = t1x_container_get(cookie);

	KUNIT_EXPECT_EQ(test, !!c, open);
	if (!c)
		return;
	KUNIT_EXPECT_EQ(test, c->id, (unsigned long)cookie);
	t1x_container_put(c);
}

static void each_of_many_is_found(struct kunit *test)
{
	void **cookies = kunit_kcalloc(test, MANY, sizeof(*cookies), GFP_KERNEL);
	unsigned int i, step;

	KUNIT_ASSERT_NOT_NULL(test, cookies);
	for (i = 0; i < MANY; i++) {
		cookies[i] = t1x_container_open(VFIO_TYPE1v2_IOMMU);
		KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(cookies[i]));
	}
	/* Those opened last go first of some, and last of others. */
	for (step = 3; step; step--) {
		for (i = step - 1; i < MANY; i += step) {
			if (!cookies[i])
				continue;
			expect_found(test, cookies[i], true);
			fake_release(cookies[i]);
			expect_found(test, cookies[i], false);
			cookies[i] = NULL;
		}
		for (i = 0; i < MANY; i++)
			if (cookies[i])
				expect_found(test, cookies[i], true);
	}
}

static struct kunit_case lifetime_cases[] = {
	KUNIT_CASE(cookie_is_never_used_twice),
	KUNIT_CASE(open_refuses_other_types),
	KUNIT_CASE(release_waits_for_users),
	KUNIT_CASE(no_reference_once_release_has_begun),
	KUNIT_CASE(each_of_many_is_found),
	{}
};

static struct kunit_suite lifetime_suite = {
	.name = "t1x_lifetime",
	.test_cases = lifetime_cases,
};

kunit_test_suite(lifetime_suite);
