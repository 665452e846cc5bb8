/**
 * The releases of fal's packages that minifal is tested with, in pip's syntax. Code that installs `fal` installs these.
 */
export const falPackages = ['fal==1.83.0', 'fal_client==1.0.3'] as const;
