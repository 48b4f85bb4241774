from gms_replay.replay.addon import GmsPlayer

addons = [GmsPlayer()]
