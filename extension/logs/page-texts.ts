import type { Texts } from '../../webview/host.ts';
import { t } from '../words.ts';

/** The page's words in the editor's language. */
export function pageTexts(): Texts {
  return {
    app: t('App'),
    allApps: t('All Apps'),
    runner: t('Runner'),
    allRunners: t('All Runners'),
    request: t('Request'),
    allRequests: t('All Requests'),
    level: t('Level'),
    filter: t('Filter'),
    filterHint: t('Filter (text or /regexp/)'),
    clearFilter: t('Clear Filters'),
    levelAll: t('All Levels'),
    levelInfo: t('Info'),
    levelWarning: t('Warnings'),
    levelError: t('Errors'),
    lines: t('Log'),
    lineCount: t('{0} lines'),
    oneLine: t('1 line'),
    newLines: t('{0} new lines'),
    oneNewLine: t('1 new line'),
    toEnd: t('Go to End'),
    searching: t('Searching …'),
    noLines: t('The log is empty.'),
    noMatches: t('No line matches the filters.'),
    missed: t('older lines were removed'),
    startEmulator: t('Start Emulator'),
    setup: t('setup'),
    build: t('build'),
    traceback: t('traceback, {0} lines'),
    noMoreErrors: t('No more errors.'),
    copied: t('Copied.'),
    openPlace: t('Open the line'),
    openRequest: t('Show this request only'),
  };
}
