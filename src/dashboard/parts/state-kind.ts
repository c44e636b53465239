/** `idle`: nothing is wrong and nothing happens, or it is not known. */
export type StateKind = 'ok' | 'warn' | 'bad' | 'busy' | 'idle';
