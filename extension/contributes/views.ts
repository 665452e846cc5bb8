/** The views in the activity bar's "fal". */
export const views = {
  apps: { name: 'Apps', icon: 'media/fal.svg' },
  requests: { name: 'Requests', icon: 'media/fal.svg' },
  /** Folded at first: what it shows is needed now and then. */
  emulator: { name: 'Emulator', icon: 'media/fal.svg', visibility: 'collapsed' },
} as const satisfies {
  readonly [name: string]: { readonly name: string; readonly icon: string; readonly visibility?: 'collapsed' };
};

/** The views in the panel. */
export const panelViews = {
  logs: { name: 'Log', icon: 'media/fal.svg' },
} as const;

export type ViewName = keyof typeof views;
export type PanelViewName = keyof typeof panelViews;

export const viewId = (name: ViewName | PanelViewName) => `minifal.${name}` as const;
