/** Where two answers differ, value by value. */
export interface Difference {
  /** E.g. `topics[0].partitions[1].errorCode`. */
  readonly path: string;
  readonly ours: unknown;
  readonly kafkas: unknown;
}

export function differences(ours: unknown, kafkas: unknown, path = ''): Difference[] {
  if (Object.is(ours, kafkas)) return [];
  if (Array.isArray(ours) && Array.isArray(kafkas)) {
    const length = Math.max(ours.length, kafkas.length);
    return Array.from({ length }, (_, i) => differences(ours[i], kafkas[i], `${path}[${i}]`)).flat();
  }
  if (isStructure(ours) && isStructure(kafkas)) {
    const names = [...new Set([...Object.keys(ours), ...Object.keys(kafkas)])];
    return names.flatMap((name) => differences(ours[name], kafkas[name], path === '' ? name : `${path}.${name}`));
  }
  return [{ path, ours, kafkas }];
}

function isStructure(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
