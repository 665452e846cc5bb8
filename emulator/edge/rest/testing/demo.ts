import { revisionDefaults, scaleDefaults } from '../../../catalog/scale-settings.ts';

/** A deployed app with the platform's defaults. */
export const demo = {
  name: 'demo',
  environmentName: 'main',
  revision: 'r1',
  authMode: 'private' as const,
  machineTypes: ['XS'],
  validRegions: [],
  updatedAt: 1,
  scale: scaleDefaults,
  settings: revisionDefaults,
};
