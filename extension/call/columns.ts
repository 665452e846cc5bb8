import * as vscode from 'vscode';
import { isAnswerDocument } from './address.ts';

/** Requests and answers each have a column, so that a new request doesn't cover answers. */

/** The column of answers: of those that are open, otherwise next to the active one. */
export function answerColumn(): vscode.ViewColumn {
  const other = vscode.window.tabGroups.all.find((group) => !group.isActive && group.tabs.some(isAnswer));
  return other?.viewColumn ?? vscode.ViewColumn.Beside;
}

/** The column that shows this answer: a further tab there leaves the others their room. */
export function columnOf(answer: vscode.Uri): vscode.ViewColumn {
  const shown = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === answer.toString());
  return shown?.viewColumn ?? answerColumn();
}

/** The column of requests: the active one, unless it has answers. */
export function requestColumn(): vscode.ViewColumn {
  const { all, activeTabGroup } = vscode.window.tabGroups;
  if (!activeTabGroup.tabs.some(isAnswer)) return vscode.ViewColumn.Active;
  const other = all.find(({ tabs }) => !tabs.some(isAnswer));
  return other?.viewColumn ?? vscode.ViewColumn.One;
}

/** Whether a tab has this document. */
export function isOpen(uri: string): boolean {
  return tabsOf(uri).length > 0;
}

/** The tabs that have this document. */
export function tabsOf(uri: string): readonly vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.filter((tab) => uriOf(tab)?.toString() === uri));
}

function isAnswer(tab: vscode.Tab): boolean {
  const uri = uriOf(tab);
  return uri !== undefined && isAnswerDocument(uri);
}

function uriOf({ input }: vscode.Tab): vscode.Uri | undefined {
  return input instanceof vscode.TabInputText ? input.uri : undefined;
}
