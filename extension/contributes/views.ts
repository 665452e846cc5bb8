/** The views in the activity bar's "fal". */
export const views = {
  apps: { name: 'Apps', icon: 'media/fal.svg' },
  requests: { name: 'Requests', icon: 'media/fal.svg' },
} as const satisfies { readonly [name: string]: { readonly name: string; readonly icon: string } };

export type ViewName = keyof typeof views;

export const viewId = (name: ViewName) => `minifal.${name}` as const;
