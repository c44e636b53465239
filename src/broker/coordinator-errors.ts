import { isKitError } from '../kit/errors.ts';
import { ERROR, errorCodeOf } from './protocol/error-codes.ts';

/** As `errorCodeOf`, from a group's coordinator: when it closes, clients look for another one instead of giving up. */
export function coordinatorErrorOf(error: unknown): number {
  return isKitError(error, 'LOG_CLOSED') ? ERROR.COORDINATOR_NOT_AVAILABLE : errorCodeOf(error);
}
