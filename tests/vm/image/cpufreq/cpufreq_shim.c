// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copyright: fastpath.cilium developers
 *
 * A shim for tests: virtual machines have no frequency to scale, so this registers a cpufreq driver without any hardware.
 * The kernel's cpufreq core then offers its real sysfs (one policy for each CPU, scaling_governor, scaling_min_freq ...),
 * and the shim adds the energy performance preference as drivers with HWP or CPPC have it. Nothing becomes faster or slower.
 */
#include <linux/cpu.h>
#include <linux/cpufreq.h>
#include <linux/module.h>

#define PREFERENCES 5
#define SWITCH_NSEC 10000

static const char *const preferences[PREFERENCES] = {
	"default", "performance", "balance_performance", "balance_power", "power",
};

static struct cpufreq_frequency_table frequencies[] = { /* kHz */
	{ .frequency = 800000 },
	{ .frequency = 1600000 },
	{ .frequency = 2400000 },
	{ .frequency = 3200000 },
	{ .frequency = CPUFREQ_TABLE_END },
};

struct shim_cpu {
	unsigned int khz;
	unsigned int preference;
};

static DEFINE_PER_CPU(struct shim_cpu, shim_cpus);

static unsigned int shim_get(unsigned int cpu)
{
	return per_cpu(shim_cpus, cpu).khz;
}

static int shim_target_index(struct cpufreq_policy *policy, unsigned int index)
{
	per_cpu(shim_cpus, policy->cpu).khz = frequencies[index].frequency;
	return 0;
}

static int shim_init(struct cpufreq_policy *policy)
{
	struct shim_cpu *shim = &per_cpu(shim_cpus, policy->cpu);

	shim->khz = frequencies[0].frequency;
	shim->preference = 2; /* what firmware usually leaves */
	policy->cur = shim->khz;
	policy->freq_table = frequencies;
	policy->cpuinfo.transition_latency = SWITCH_NSEC;
	return 0;
}

static ssize_t show_energy_performance_preference(struct cpufreq_policy *policy, char *buf)
{
	return sysfs_emit(buf, "%s\n", preferences[per_cpu(shim_cpus, policy->cpu).preference]);
}

static ssize_t store_energy_performance_preference(struct cpufreq_policy *policy, const char *buf, size_t count)
{
	int index = __sysfs_match_string(preferences, PREFERENCES, buf);

	if (index < 0)
		return index;
	per_cpu(shim_cpus, policy->cpu).preference = index;
	return count;
}

static ssize_t show_energy_performance_available_preferences(struct cpufreq_policy *policy, char *buf)
{
	ssize_t length = 0;
	int index;

	for (index = 0; index < PREFERENCES; index++)
		length += sysfs_emit_at(buf, length, "%s ", preferences[index]);
	return length + sysfs_emit_at(buf, length, "\n");
}

cpufreq_freq_attr_rw(energy_performance_preference);
cpufreq_freq_attr_ro(energy_performance_available_preferences);

static struct freq_attr *shim_attributes[] = {
	&cpufreq_freq_attr_scaling_available_freqs,
	&energy_performance_preference,
	&energy_performance_available_preferences,
	NULL,
};

static struct cpufreq_driver shim_driver = {
	.name = "cpufreq_shim",
	.init = shim_init,
	.verify = cpufreq_generic_frequency_table_verify,
	.target_index = shim_target_index,
	.get = shim_get,
	.attr = shim_attributes,
};

static int __init shim_module_init(void)
{
	return cpufreq_register_driver(&shim_driver);
}

static void __exit shim_module_exit(void)
{
	cpufreq_unregister_driver(&shim_driver);
}

module_init(shim_module_init);
module_exit(shim_module_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("fastpath.cilium developers");
MODULE_DESCRIPTION("cpufreq driver without hardware, for tests");
