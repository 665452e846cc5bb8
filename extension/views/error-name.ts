import { t } from '../words.ts';

/** The platform's errors in two or three words; `error_type` has their codes, which people find in tooltips. */
const platformWords: { readonly [type: string]: () => string } = {
  request_timeout: () => t('timed out'),
  startup_timeout: () => t('start timed out'),
  runner_scheduling_failure: () => t('no runner'),
  runner_connection_timeout: () => t('runner did not answer'),
  runner_disconnected: () => t('runner ended'),
  runner_connection_refused: () => t('runner refused it'),
  runner_connection_error: () => t('connection broke'),
  runner_incomplete_response: () => t('answer broke off'),
  runner_server_error: () => t('runner failed'),
  client_disconnected: () => t('its caller left'),
  client_cancelled: () => t('cancelled'),
  concurrent_requests_limit: () => t('too many requests'),
  bad_request: () => t('bad request'),
  emulator_ended: () => t('emulator ended'),
  internal_error: () => t('error in minifal'),
};

/** What kind of error this is: `KeyError` of an app, `runner ended` of the platform. Pure. */
export function errorName(type: string): string {
  return platformWords[type]?.() ?? type.split('.').at(-1) ?? type;
}
