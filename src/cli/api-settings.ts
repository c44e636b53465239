import type { ApiSettings } from '../api/build-api.ts';
import type { Settings } from '../config/settings.ts';

export function apiSettings({ webHost, webPort, authToken, log }: Settings): ApiSettings {
  return { host: webHost, port: webPort, authToken, mode: log };
}
