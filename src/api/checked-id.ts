import { KitError } from '../kit/errors.ts';
import { isId } from '../kit/schemas/formats.ts';

/** @param what names it in the message @throws KitError INVALID_ARGUMENT */
export function checkedId(id: string, what: 'content_id' | 'event_id' | 'user id'): string {
  if (isId(id)) return id;
  throw new KitError('INVALID_ARGUMENT', `${what}: must be 1 to 256 bytes of UTF-8 without control characters`);
}
