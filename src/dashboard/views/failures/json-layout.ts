/** JSON in lines, with every number as it was written. Pure. */
import { prettyJson } from '../../value-text.ts';

/** Characters; more is left as it is. */
const MAX_LAID_OUT = 200_000;

/** Null where it is not JSON. */
export function laidOut(text: string): string | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  return prettyJson(text, Number.POSITIVE_INFINITY).text;
}

/** Of two JSON texts only what they say is compared, not how it is laid out, unless that is all. */
export function comparable(from: string, to: string): { readonly from: string; readonly to: string } {
  if (from.length + to.length > MAX_LAID_OUT) return { from, to };
  const [before, after] = [laidOut(from), laidOut(to)];
  return before === null || after === null || before === after ? { from, to } : { from: before, to: after };
}
