import { bytes } from '../../format.ts';

export function tooLarge(size: number, maxBytes: number): string {
  return `This has ${bytes(size)}; an event has ${bytes(maxBytes)} at most.`;
}
