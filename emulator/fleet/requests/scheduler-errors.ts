import type { SchedulerError } from '../../scheduler/effects.ts';
import { type PlatformError, platformError } from '../../wire/errors.ts';

/**
 * The error that the caller gets when the scheduler itself ends a request (docs/platform/gateway.md#errors; the
 * messages are minifal's own).
 * @param endReason why minifal ended the request's runner, in sentences; `undefined`: it didn't
 */
export function toPlatformError(error: SchedulerError, endReason?: string): PlatformError {
  switch (error.type) {
    case 'request_timeout':
      return error.user
        ? platformError('request_timeout', 'The request did not start within its start timeout.', true)
        : platformError('request_timeout', "The request took longer than the app's request_timeout.");
    case 'startup_timeout':
      return platformError('startup_timeout', 'No runner became ready in time.');
    case 'runner_scheduling_failure':
      return platformError('runner_scheduling_failure', error.detail);
    case 'runner_disconnected':
      return platformError(
        'runner_disconnected',
        endReason === undefined
          ? 'The runner disconnected before it answered.'
          : `The runner was ended before it answered. ${endReason}`,
      );
    case 'runner_connection_refused':
      return platformError('runner_connection_refused', 'The runner refused the connection.');
    case 'runner_incomplete_response':
      return platformError('runner_incomplete_response', 'The runner ended its response before it was complete.');
    case 'client_cancelled':
      return platformError('client_cancelled', 'The request was cancelled.');
    case 'client_disconnected':
      return platformError('client_disconnected', 'The caller closed the connection.');
  }
}
