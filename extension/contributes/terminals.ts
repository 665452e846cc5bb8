/** The profiles in the terminal's `+` menu. */
export const terminalProfiles = {
  terminal: { title: 'fal (local)', icon: 'server-process' },
} as const;

export const terminalId = (name: keyof typeof terminalProfiles) => `minifal.${name}` as const;
