/** Kafka's own message definitions, out of the jar that its clients are in; read where a test runs, never kept. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kafkaLibraries } from '../../../src/cluster/artifacts.ts';
import { testCacheDirectory } from '../../support/cluster.ts';
import { readZip } from '../../support/zip.ts';

export interface OfficialField {
  readonly name: string;
  readonly type: string;
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  readonly default?: string | number | boolean;
  readonly fields?: readonly OfficialField[];
}

export interface OfficialMessage {
  readonly apiKey: number;
  readonly name: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly latestVersionUnstable?: boolean;
  readonly fields: readonly OfficialField[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly OfficialField[] }[];
}

/** By name, e.g. `FetchRequest`. */
export async function officialMessages(): Promise<Map<string, OfficialMessage>> {
  const libraries = await kafkaLibraries(testCacheDirectory(), () => {});
  const jar = readdirSync(libraries).find((name) => /^kafka-clients-[\d.]+\.jar$/.test(name));
  if (jar === undefined) throw new Error(`there is no kafka-clients jar in ${libraries}`);
  const files = readZip(join(libraries, jar), (name) => /^common\/message\/\w+(Request|Response)\.json$/.test(name));
  return new Map(
    Array.from(files.values(), (bytes) => {
      const message = JSON.parse(withoutComments(bytes.toString())) as OfficialMessage;
      return [message.name, message];
    }),
  );
}

/** Line comments, but not what looks like one within a string. */
function withoutComments(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*/g, (_, string: string | undefined) => string ?? '');
}
