import * as vscode from 'vscode';
import { type CommandName, commandId, commandTitle } from '../contributes/commands.ts';
import { requestElement } from '../views/request-rows.ts';
import type { Finding } from './findings.ts';

/** What a problem offers, and the arguments; `undefined`: not this problem. */
const offers: readonly { readonly command: CommandName; readonly of: (finding: Finding) => unknown[] | undefined }[] = [
  { command: 'openRequest', of: requestOf },
  // The input of no other request is stored.
  { command: 'replayRequest', of: (finding) => (finding.request?.kind === 'queue' ? requestOf(finding) : undefined) },
  { command: 'showLog', of: logOf },
  // It has the last lines of a command that failed.
  { command: 'showEmulatorLog', of: ({ isCommand }) => (isCommand ? [] : undefined) },
  { command: 'clearProblem', of: ({ id }) => [id] },
];

function requestOf({ request, alias }: Finding): unknown[] | undefined {
  return request && alias !== undefined ? [requestElement({ ...request, alias })] : undefined;
}

function logOf({ request, runner, alias }: Finding): unknown[] | undefined {
  if (request) return [{ requestId: request.id }];
  if (runner) return [{ runnerId: runner.id }];
  return alias ? [{ alias }] : undefined;
}

/** Quick fixes of the problems of a line. */
export function problemActions(findings: readonly Finding[]): vscode.CodeAction[] {
  return findings.flatMap((finding) =>
    offers.flatMap(({ command, of }) => {
      const given = of(finding);
      if (!given) return [];
      const title = `${commandTitle(command)} (${finding.request ? `#${finding.request.number}` : finding.source})`;
      const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
      action.command = { command: commandId(command), title, arguments: given };
      return [action];
    }),
  );
}

/** What a click on the source of a problem opens; `undefined`: nothing. */
export function sourceLink(finding: Finding): vscode.Uri | undefined {
  const given = requestOf(finding);
  if (!given) return undefined;
  return vscode.Uri.parse(`command:${commandId('openRequest')}?${encodeURIComponent(JSON.stringify(given))}`);
}
