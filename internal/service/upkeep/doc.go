// Package upkeep is what whoever runs the marketplace does beside its business (运维): backups (备份), the settings
// that hold for every process (设置), and the figures that tell whether all is well (健康状况).
//
// It must not hold a rule of the marketplace: the use cases that a setting rules read it from the kernel.
// spec: 01 §8.6
package upkeep
