/** The profiles in the terminal's `+` menu. */
export const terminalProfiles = {
  terminal: { title: 'fal (local)', icon: 'server-process' },
} as const;

/** Whether a terminal is one of ours; one that a reload brought back has only its name. */
export function isLocalTerminal(terminal: { readonly name: string; readonly creationOptions: { name?: string } }) {
  const { title } = terminalProfiles.terminal;
  return terminal.creationOptions.name === title || terminal.name === title;
}

export const terminalId = (name: keyof typeof terminalProfiles) => `minifal.${name}` as const;
