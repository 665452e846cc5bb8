/**
 * SQL for "the column `message` contains this text", with the values of its parameters. ASCII letters are
 * case-insensitive. LIKE is fast, but neither it nor its pattern goes beyond a NUL, which an app may print.
 */
export function containsText(part: string): { readonly sql: string; readonly values: readonly string[] } {
  const beyondNul = 'instr(lower(message), lower(?)) > 0';
  if (part.includes('\0')) return { sql: beyondNul, values: [part] };
  return {
    sql: `(message LIKE ? ESCAPE '\\' OR (instr(message, char(0)) > 0 AND ${beyondNul}))`,
    values: [`%${part.replace(/[\\%_]/g, '\\$&')}%`, part],
  };
}
