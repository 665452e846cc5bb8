/** The views in the activity bar's "fal". */
export const views = {
  apps: { name: 'Apps', icon: 'media/fal.svg' },
} as const;

export type ViewName = keyof typeof views;

export const viewId = (name: ViewName) => `minifal.${name}` as const;
