"""The fast way in: webhook verification and the durable inbox from which a webhook is acknowledged. No web framework
here.
"""
