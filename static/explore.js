// Explores in a wasm instance of its own: a message is a scenario and a policy, the answers are JSON.
import start, { explore } from "../pkg/stagewalk_web.js";

const ready = start();
onmessage = async (event) => {
  await ready;
  explore(event.data);
};
