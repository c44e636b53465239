/** A launcher of its own, to be killed: starts one broker in the directory given and prints its report. */
import { startTestCluster } from '../../support/cluster.ts';

const cluster = await startTestCluster({ brokers: 1, redis: false, directory: process.argv[2]! });
process.stdout.write(`${JSON.stringify(await cluster.describe())}\n`);
await cluster.ended;
