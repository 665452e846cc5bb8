import * as vscode from 'vscode';
import { type CommandName, commandId, commandTitle } from '../contributes/commands.ts';
import type { Finding } from './findings.ts';

/** What a problem offers, as far as it has what the command is about. */
const offers: readonly { readonly command: CommandName; readonly argument: (finding: Finding) => unknown }[] = [
  { command: 'showEmulatorLog', argument: () => [] },
];

/** Quick fixes of the problems of the line. */
export function problemActions(findings: readonly Finding[]): vscode.CodeAction[] {
  return findings.flatMap((finding) =>
    offers.flatMap(({ command, argument }) => {
      const given = argument(finding);
      if (given === undefined) return [];
      const title = commandTitle(command);
      const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
      action.command = { command: commandId(command), title, arguments: [given] };
      return [action];
    }),
  );
}
