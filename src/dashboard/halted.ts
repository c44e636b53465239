import type { GroupFlow } from '../api/pulse-sample.ts';

/** Why a handler of this server can apply nothing, in two words. */
export const HALTED: Readonly<Record<NonNullable<GroupFlow['halted']>, string>> = {
  stopped: 'stopped',
  store_unavailable: 'store down',
};
