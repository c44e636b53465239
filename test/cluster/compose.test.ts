import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { KAFKA_VERSION } from '../../src/cluster/artifacts.ts';
import { brokerPorts, durabilityProperties } from '../../src/cluster/server-properties.ts';

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The image takes `KAFKA_A_B` for the property `a.b`. */
const variable = (property: string): string => `KAFKA_${property.toUpperCase().replaceAll('.', '_')}`;

test('docker/compose.yml gives the brokers of the launcher', async () => {
  const compose = await read('docker/compose.yml');
  const settings = new Map(
    [...compose.matchAll(/^ +(KAFKA_[A-Z_]+): "?(.*?)"?$/gm)].map(([, name, value]) => [name, value]),
  );
  for (const [property, value] of Object.entries(durabilityProperties(3))) {
    assert.equal(settings.get(variable(property)), value, property);
  }
  for (const [index, port] of brokerPorts(9092, 3).entries()) {
    assert.ok(compose.includes(`ports: ["127.0.0.1:${port}:${port}"]`));
    assert.ok(
      compose.includes(`KAFKA_ADVERTISED_LISTENERS: HOST://127.0.0.1:${port},BROKER://kafka-${index + 1}:19092`),
    );
    assert.ok(compose.includes(`KAFKA_NODE_ID: "${index + 1}"`));
  }
  assert.equal(compose.match(/<<: \*kafka-environment/g)?.length, 3);
  // Nothing is reachable from outside this machine.
  for (const [, ports] of compose.matchAll(/ports: (.*)$/gm)) assert.match(ports!, /^\["127\.0\.0\.1:/);
});

test('one version of Kafka everywhere', async () => {
  assert.ok((await read('docker/compose.yml')).includes(`image: apache/kafka:${KAFKA_VERSION}`));
  const versions = [
    ...(await read('assets/kafka/pom.xml')).matchAll(/<artifactId>kafka[^<]*<\/artifactId>\s*<version>([^<]+)</g),
  ];
  assert.deepEqual(new Set(versions.map(([, version]) => version)), new Set(['1', KAFKA_VERSION]));
});
