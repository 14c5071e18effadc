/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The drivers that are compared.
 *
 *   T1X_MODULE, T1X_INTREE	files of both modules, which are loaded in turn
 */
#ifndef T1X_SIDE_H
#define T1X_SIDE_H

/** enum side - what can serve a container */
enum side {
	/** @TREE: the kernel's own vfio_iommu_type1 */
	TREE,
	/** @OURS: vfio_iommu_type1x */
	OURS,
	/** @IOMMUFD: /dev/iommu as a container, in kernels that have it */
	IOMMUFD,
	/** @SIDES: number of sides */
	SIDES,
};

enum side side_end(void);
const char *side_name(enum side side);
enum side side_serving(void);
void side_load(const char *variable, const char *options);
void side_serve(enum side side);
int side_container_open(int group);

#endif /* T1X_SIDE_H */
