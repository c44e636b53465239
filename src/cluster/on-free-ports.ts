import { isKitError } from '../kit/errors.ts';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
import { freeBasePort, freePort } from './free-ports.ts';

const ATTEMPTS = 5;

/** As `startCluster`, on ports that are free; on others where somebody takes one before its server does. @throws as `startCluster` */
export async function startClusterOnFreePorts(
  options: Omit<ClusterOptions, 'basePort' | 'redisPort'> & { readonly brokers: number },
): Promise<Cluster> {
  for (let attempt = 1; ; attempt++) {
    const [basePort, redisPort] = [await freeBasePort(options.brokers), await freePort()];
    try {
      return await startCluster({ ...options, basePort, redisPort });
    } catch (error) {
      if (!isKitError(error, 'PORT_IN_USE') || attempt === ATTEMPTS) throw error;
    }
  }
}
