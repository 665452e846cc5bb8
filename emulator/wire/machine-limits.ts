/**
 * What happens to a runner that uses more memory than its machine type has. `off`: nothing; `warn`: its log says so;
 * `enforce`: it is ended, as in the cloud.
 */
export const machineLimitModes = ['off', 'warn', 'enforce'] as const;
export type MachineLimitMode = (typeof machineLimitModes)[number];
