// SPDX-License-Identifier: GPL-2.0
/*
 * Who uses how much of which node, and how much there is: for each node, user
 * and open file. One lock guards all of it, so that the numbers agree.
 */
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "internal.h"

#define NO_LIMIT U64_MAX

struct emucxl_node {
	u64 capacity;			/* or NO_LIMIT: what the node has */
	u64 used;
	char name[16];
	struct device_attribute capacity_attr;
	struct device_attribute used_attr;
	struct device_attribute state_attr;
	struct attribute *attrs[4];
	struct attribute_group group;
};

static DEFINE_SPINLOCK(lock);
static LIST_HEAD(users);
static LIST_HEAD(accounts);
static struct emucxl_node *nodes;	/* nr_node_ids of them */
static u64 user_limit = NO_LIMIT;

static unsigned long local_mb;
module_param(local_mb, ulong, 0444);
MODULE_PARM_DESC(local_mb, "capacity of each node with CPUs, in MiB (0: all it has)");

static unsigned long remote_mb;
module_param(remote_mb, ulong, 0444);
MODULE_PARM_DESC(remote_mb, "capacity of each node without CPUs, in MiB (0: all it has)");

static unsigned long node_mb[MAX_NUMNODES];
static int node_mb_count;
module_param_array(node_mb, ulong, &node_mb_count, 0444);
MODULE_PARM_DESC(node_mb, "capacity of node 0, 1, 2, ... in MiB (0: as the above say)");

static unsigned long user_mb;
module_param(user_mb, ulong, 0444);
MODULE_PARM_DESC(user_mb, "what each user may have on all nodes together, in MiB (0: no limit)");

static u64 pages_of_mb(unsigned long mb)
{
	if (mb == 0 || mb > NO_LIMIT >> 20)
		return NO_LIMIT;
	return (u64)mb << (20 - PAGE_SHIFT);
}

static u64 pages_of(u64 limit)
{
	return limit == U64_MAX ? NO_LIMIT : limit >> PAGE_SHIFT;
}

static u64 bytes(u64 pages)
{
	return pages == NO_LIMIT ? NO_LIMIT : pages << PAGE_SHIFT;
}

/* The node that a caller names, or -EINVAL if there is none with memory. */
int emucxl_node(unsigned int id)
{
	if (id >= nr_node_ids)
		return -EINVAL;
	id = array_index_nospec(id, nr_node_ids);
	return node_state(id, N_MEMORY) ? id : -EINVAL;
}

static u64 capacity_of(int node)
{
	u64 present = node_state(node, N_MEMORY) ? node_present_pages(node) : 0;

	return min(nodes[node].capacity, present);
}

static u32 state_of(int node)
{
	return (node_state(node, N_MEMORY) ? EMUCXL_NODE_MEMORY : 0) |
	       (node_state(node, N_NORMAL_MEMORY) ? EMUCXL_NODE_USABLE : 0) |
	       (node_state(node, N_CPU) ? EMUCXL_NODE_CPU : 0);
}

static bool fits(u64 used, u64 limit, unsigned long pages)
{
	return used <= limit && pages <= limit - used;
}

static int charge(struct emucxl_account *account, int node, unsigned long pages, u64 limit)
{
	struct emucxl_user *user = account->user;
	int err = -ENOMEM;

	spin_lock(&lock);
	if (fits(nodes[node].used, capacity_of(node), pages) && fits(user->total, limit, pages)) {
		nodes[node].used += pages;
		user->total += pages;
		user->used[node] += pages;
		account->used[node] += pages;
		err = 0;
	}
	spin_unlock(&lock);
	return err;
}

int emucxl_charge(struct emucxl_account *account, int node, unsigned long pages)
{
	return charge(account, node, pages, READ_ONCE(user_limit));
}

/* For a moment the user has both the page that moves and its copy: that is no more for long. */
int emucxl_charge_move(struct emucxl_account *account, int node, unsigned long pages)
{
	return charge(account, node, pages, NO_LIMIT);
}

void emucxl_uncharge(struct emucxl_account *account, int node, unsigned long pages)
{
	struct emucxl_user *user = account->user;

	spin_lock(&lock);
	WARN_ON_ONCE(nodes[node].used < pages || user->used[node] < pages ||
		     account->used[node] < pages);
	nodes[node].used -= pages;
	user->total -= pages;
	user->used[node] -= pages;
	account->used[node] -= pages;
	spin_unlock(&lock);
}

static struct emucxl_user *user_of(kuid_t uid)
{
	struct emucxl_user *user;

	list_for_each_entry(user, &users, link)
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/**
 * emucxl_account_new() - an account for a file that the current task opens
 *
 * Return: the account, with one reference, or NULL when out of memory.
 */
struct emucxl_account *emucxl_account_new(void)
{
	struct emucxl_account *account;
	struct emucxl_user *user, *fresh;

	account = kzalloc(struct_size(account, used, nr_node_ids), GFP_KERNEL_ACCOUNT);
	fresh = kzalloc(struct_size(fresh, used, nr_node_ids), GFP_KERNEL_ACCOUNT);
	if (!account || !fresh) {
		kfree(account);
		kfree(fresh);
		return NULL;
	}
	refcount_set(&account->refs, 1);
	account->pid = task_tgid_nr(current);
	fresh->uid = current_euid();

	spin_lock(&lock);
	user = user_of(fresh->uid);
	if (!user) {
		user = fresh;
		fresh = NULL;
		list_add_tail(&user->link, &users);
	}
	user->files++;
	account->user = user;
	list_add_tail(&account->link, &accounts);
	spin_unlock(&lock);

	kfree(fresh);
	return account;
}

void emucxl_account_get(struct emucxl_account *account)
{
	refcount_inc(&account->refs);
}

void emucxl_account_put(struct emucxl_account *account)
{
	struct emucxl_user *user = account->user;

	if (!refcount_dec_and_test(&account->refs))
		return;
	spin_lock(&lock);
	list_del(&account->link);
	if (--user->files == 0)
		list_del(&user->link);
	else
		user = NULL;
	spin_unlock(&lock);
	kfree(user);
	kfree(account);
}

void emucxl_get_use(struct emucxl_account *account, int node, struct emucxl_use *use)
{
	spin_lock(&lock);
	use->capacity = bytes(capacity_of(node));
	use->used = bytes(nodes[node].used);
	use->user_used = bytes(account->user->used[node]);
	use->file_used = bytes(account->used[node]);
	use->user_limit = bytes(READ_ONCE(user_limit));
	spin_unlock(&lock);
	use->state = state_of(node);
}

void emucxl_set_capacity(int node, u64 limit)
{
	spin_lock(&lock);
	nodes[node].capacity = pages_of(limit);
	spin_unlock(&lock);
}

/* sysfs: /sys/class/misc/emucxl/{version,objects,pages,user_limit,users,files,node0/…} */

/* What is left of a page of sysfs has to hold a line; "..." says that there are more. */
#define ROOM 128

static int emit_more(char *buf, int at)
{
	return at > PAGE_SIZE - ROOM ? sysfs_emit_at(buf, at, "...\n") : 0;
}

/* Bytes, or "max": no limit. */
static int parse_limit(const char *text, u64 *limit)
{
	*limit = U64_MAX;
	return sysfs_streq(text, "max") ? 0 : kstrtou64(text, 0, limit);
}

static ssize_t version_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d.%d\n", EMUCXL_ABI_MAJOR, EMUCXL_ABI_MINOR);
}
static DEVICE_ATTR_RO(version);

/* How many objects and pages exist: to be 0 when nothing is mapped. */
static ssize_t objects_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%ld\n", emucxl_objects_count());
}
static DEVICE_ATTR_RO(objects);

static ssize_t pages_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%ld\n", emucxl_pages_count());
}
static DEVICE_ATTR_RO(pages);

static ssize_t user_limit_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u64 limit = READ_ONCE(user_limit);

	return limit == NO_LIMIT ? sysfs_emit(buf, "max\n") :
				   sysfs_emit(buf, "%llu\n", bytes(limit));
}

static ssize_t user_limit_store(struct device *dev, struct device_attribute *attr, const char *buf,
				size_t len)
{
	u64 limit;
	int err = parse_limit(buf, &limit);

	if (err)
		return err;
	WRITE_ONCE(user_limit, pages_of(limit));
	return len;
}
static DEVICE_ATTR_RW(user_limit);

static int emit_use(char *buf, int at, const u64 *used)
{
	int node, begin = at;

	for_each_node(node)
		if (used[node])
			at += sysfs_emit_at(buf, at, " %d:%llu", node, bytes(used[node]));
	at += sysfs_emit_at(buf, at, "\n");
	return at - begin;
}

/* A line for each user: the user id, then node:bytes of what is used. */
static ssize_t users_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct emucxl_user *user;
	int at = 0;

	spin_lock(&lock);
	list_for_each_entry(user, &users, link) {
		at += sysfs_emit_at(buf, at, "%u", from_kuid_munged(&init_user_ns, user->uid));
		at += emit_use(buf, at, user->used);
		if (at > PAGE_SIZE - ROOM)
			break;
	}
	at += emit_more(buf, at);
	spin_unlock(&lock);
	return at;
}
static DEVICE_ATTR_ADMIN_RO(users);

/* A line for each open file: who opened it (process, user), then node:bytes. */
static ssize_t files_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct emucxl_account *account;
	int at = 0;

	spin_lock(&lock);
	list_for_each_entry(account, &accounts, link) {
		at += sysfs_emit_at(buf, at, "%d %u", account->pid,
				    from_kuid_munged(&init_user_ns, account->user->uid));
		at += emit_use(buf, at, account->used);
		if (at > PAGE_SIZE - ROOM)
			break;
	}
	at += emit_more(buf, at);
	spin_unlock(&lock);
	return at;
}
static DEVICE_ATTR_ADMIN_RO(files);

static ssize_t capacity_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct emucxl_node *node = container_of(attr, struct emucxl_node, capacity_attr);

	return sysfs_emit(buf, "%llu\n", bytes(capacity_of(node - nodes)));
}

/* "max" is all that the node has. */
static ssize_t capacity_store(struct device *dev, struct device_attribute *attr, const char *buf,
			      size_t len)
{
	const struct emucxl_node *node = container_of(attr, struct emucxl_node, capacity_attr);
	u64 limit;
	int err = parse_limit(buf, &limit);

	if (err)
		return err;
	emucxl_set_capacity(node - nodes, limit);
	return len;
}

static ssize_t used_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct emucxl_node *node = container_of(attr, struct emucxl_node, used_attr);

	return sysfs_emit(buf, "%llu\n", bytes(READ_ONCE(node->used)));
}

/* Words: memory, usable (not all of it movable-only), cpu. */
static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct emucxl_node *node = container_of(attr, struct emucxl_node, state_attr);
	u32 state = state_of(node - nodes);

	return sysfs_emit(buf, "%s%s%s\n", state & EMUCXL_NODE_MEMORY ? "memory" : "no memory",
			  state & EMUCXL_NODE_USABLE ? " usable" : "",
			  state & EMUCXL_NODE_CPU ? " cpu" : "");
}

static struct attribute *emucxl_attrs[] = {
	&dev_attr_version.attr,
	&dev_attr_objects.attr,
	&dev_attr_pages.attr,
	&dev_attr_user_limit.attr,
	&dev_attr_users.attr,
	&dev_attr_files.attr,
	NULL,
};

static const struct attribute_group emucxl_group = { .attrs = emucxl_attrs };

const struct attribute_group **emucxl_attribute_groups;

static void node_init(int id)
{
	struct emucxl_node *node = &nodes[id];
	unsigned long mb = node_state(id, N_CPU) ? local_mb : remote_mb;

	if (id < node_mb_count && node_mb[id])
		mb = node_mb[id];
	node->capacity = pages_of_mb(mb);
	snprintf(node->name, sizeof(node->name), "node%d", id);
	node->capacity_attr = (struct device_attribute)__ATTR_RW(capacity);
	node->used_attr = (struct device_attribute)__ATTR_RO(used);
	node->state_attr = (struct device_attribute)__ATTR_RO(state);
	sysfs_attr_init(&node->capacity_attr.attr);
	sysfs_attr_init(&node->used_attr.attr);
	sysfs_attr_init(&node->state_attr.attr);
	node->attrs[0] = &node->capacity_attr.attr;
	node->attrs[1] = &node->used_attr.attr;
	node->attrs[2] = &node->state_attr.attr;
	node->group.name = node->name;
	node->group.attrs = node->attrs;
}

int emucxl_accounts_init(void)
{
	int id, count = 0;

	nodes = kcalloc(nr_node_ids, sizeof(*nodes), GFP_KERNEL);
	emucxl_attribute_groups = kcalloc(nr_node_ids + 2, sizeof(*emucxl_attribute_groups),
					  GFP_KERNEL);
	if (!nodes || !emucxl_attribute_groups) {
		emucxl_accounts_exit();
		return -ENOMEM;
	}
	user_limit = pages_of_mb(user_mb);
	emucxl_attribute_groups[count++] = &emucxl_group;
	for_each_node(id) {
		node_init(id);
		emucxl_attribute_groups[count++] = &nodes[id].group;
	}
	return 0;
}

void emucxl_accounts_exit(void)
{
	kfree(emucxl_attribute_groups);
	kfree(nodes);
}
